<?php
// Makes calls with Ticket Evolution's own client for PHP, unmodified, and prints what it returns.
//
// Standard input: {"base", "token", "secret", "calls": [[method, parameters], …]}; standard output: the list of
// the results, and {"status", "body"} where the client threw. The argument says where the sources are.
// Guzzle and Symfony's Config are Debian's packages; PHP finds them by its include_path.

error_reporting(E_ALL & ~E_DEPRECATED);

require 'GuzzleHttp/autoload.php';
require 'Symfony/Component/Config/autoload.php';

$sources = $argv[1];
$folders = [
    'GuzzleHttp\\Command\\Guzzle\\' => "$sources/guzzle-services/src/",
    'GuzzleHttp\\Command\\' => "$sources/command/src/",
    'GuzzleHttp\\UriTemplate\\' => "$sources/uri-template/src/",
    'TicketEvolution\\' => "$sources/ticketevolution-php/src/",
];
spl_autoload_register(function (string $class) use ($folders): void {
    foreach ($folders as $prefix => $folder) {
        $file = $folder . str_replace('\\', '/', substr($class, strlen($prefix))) . '.php';
        if (str_starts_with($class, $prefix) && is_file($file)) {
            require $file;
            return;
        }
    }
});

$input = json_decode(stream_get_contents(STDIN), true, 512, JSON_THROW_ON_ERROR);
$client = new TicketEvolution\Client([
    'baseUrl' => $input['base'],
    'apiVersion' => 'v9',
    'apiToken' => $input['token'],
    'apiSecret' => $input['secret'],
]);
$answers = [];
foreach ($input['calls'] as [$method, $parameters]) {
    try {
        $answers[] = $client->$method($parameters)->toArray();
    } catch (GuzzleHttp\Command\Exception\CommandException $error) {
        $response = $error->getResponse();
        if ($response === null) {
            throw $error;
        }
        $body = json_decode((string) $response->getBody(), true);
        $answers[] = ['status' => $response->getStatusCode(), 'body' => $body];
    }
}
echo json_encode($answers, JSON_THROW_ON_ERROR);

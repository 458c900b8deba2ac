// Makes calls with Ticket Evolution's own client for Node, unmodified, and prints what it returns.
//
// Standard input: {"base", "token", "secret", "calls": [[function, path, body], …]}; standard output: the list of
// what the client's promises gave. NODE_PATH says where the client is.
'use strict';

const TevoClient = require('ticketevolution-node');

async function run(input) {
  const client = new TevoClient({ apiToken: input.token, apiSecretKey: input.secret });
  const answers = [];
  for (const [name, path, body] of input.calls) {
    answers.push(await client[name](input.base + path, body));
  }
  return answers;
}

const chunks = [];
process.stdin.on('data', (chunk) => chunks.push(chunk));
process.stdin.on('end', () => {
  run(JSON.parse(Buffer.concat(chunks).toString('utf8'))).then(
    (answers) => console.log(JSON.stringify(answers)),
    (error) => {
      console.error(error);
      process.exitCode = 1;
    },
  );
});

"""Failures of the embedded servers."""


class EmbeddedUnavailable(Exception):
    """{An embedded server} cannot run here: {why}. Set {its setting} to the URL of a server."""


class EmbeddedServerFailed(Exception):
    """{An embedded server} did not {start or stop}: {why}. {The last lines of its log.}"""

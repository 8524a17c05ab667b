"""Models that a server has open, asked over HTTP: any that speaks /v1/chat/completions.

settings.py  a name or a URL -> where, which model, which key     finding.py   what the server says it has open
address.py   a URL -> host, port, path                            keys.py      keys, and never a word of them
http.py      HTTP/1.1, one connection after the other             events.py    bytes -> server-sent events
dialects.py  where servers differ                                 body.py      a Request -> JSON
reading.py   JSON -> an Answer                                    scoring.py   log probabilities -> probabilities
failures.py  what went wrong, in a sentence                       forms.py     choices, schemas, patterns
pace.py      how many at once (pure)                              fleet.py     which server is next (pure)
exchange.py  one request to one server                            dispatch.py  many, again where it is safe
engine.py    the Engine
"""

"""An assessor that lies behind a server of the OpenAI shape. In reading order:

* ``judge``: the verbs, and the connection to a server
* ``assessor``: questions in, replies out; how frames are sent is found out once
* ``frames``: the frames of a clip as files, in memory
* ``chat``: a question in the server's format, and its answers
* ``fields``: the fields of a request; what a server refuses is left out
* ``client``: requests, with retries up to a deadline
"""

"""Serving: the assessor as a reward of other people's trainers, in process or over HTTP. In reading order:

* ``rewards``: rewards by name, from replies to numbers
* ``answering``: questions of several requests, answered together
* ``reward``: the reward as a callable
* ``limits``: what a server takes from a client
* ``uploads``: clips that clients send
* ``measuring``: measurements on their way out of the sandbox
* ``restraint``: limits of a process that opens a stranger's file
* ``sandbox``: decodes a stranger's file in a process of its own
* ``decoder``: the server's side of the sandbox
* ``engine``: the one thread that uses the model, and its queue
* ``metrics``: what Prometheus is told, and the log
* ``service``: what all protocols share
* ``schemas``: the bodies that clients send
* ``sent``: reads and checks them
* ``native``: ``/v1/score``, ``/v1/compare``, ``/v1/rank``
* ``unirl``: UniRL's reward service
* ``flow_factory``: Flow-Factory's remote reward
* ``openai``: ``/v1/models`` and ``/v1/chat/completions``
* ``asgi``: names of the interface between server and app
* ``repeats``: requests under one ``Idempotency-Key`` are one piece of work
* ``guard``: stands before every request
* ``app``: puts the server together
* ``place``: where a server may listen
* ``protocol``: cuts a connection whose headers do not arrive
* ``run``: runs it on a socket
* ``client``: asks a server, in other people's trainers; imports nothing else of this package
"""

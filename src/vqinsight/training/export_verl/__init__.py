"""Training by verl instead of our own trainer: its data, its reward function and how it is started. In reading order:

* ``export``: all of it, from a configuration
* ``frames``: the frames of each clip as files
* ``rows``: one question a row of Parquet
* ``launch``: the script that starts verl, and what differs from our trainer
* ``labels``: labels as text
* ``reward``: the reward of one answer; imports neither torch nor transformers
* ``plugin``: Eq. 1 and the length of an answer for verl; imported by verl alone
* ``dataset``: the frames as they are; imported by verl alone

The last three run in verl's environment, whose torch and transformers are others than ours.
"""

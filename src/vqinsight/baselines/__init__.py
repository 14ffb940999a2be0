"""Other systems behind one interface, for the tables: ``systems`` lists them, ``base`` says what each can do.

Here and not inside ``evaluation``: several of them run on the assessor and on ``vqinsight.load``, which stand below
``evaluation`` in the order of imports.
"""

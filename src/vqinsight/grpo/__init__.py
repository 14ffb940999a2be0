"""Group Relative Policy Optimisation (Eq. 1 and 2) for questions about clips.

Shape suffixes: ``_A`` answers, all groups in order; ``_T`` answer tokens; ``_B`` packed rows (one a question); ``_S``
tokens of a packed row; ``_V`` vocabulary.
"""

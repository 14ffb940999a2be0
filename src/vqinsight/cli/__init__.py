"""The command line. In reading order:

* ``main``: the program, with score, compare, rank, ask and train
* ``options``: options that several verbs share
* ``command``: verbs with a plainer --help
* ``judging``: what score, ask and watch share
* ``pairing``: what compare and rank share
* ``measure``: vqinsight measure
* ``compare_systems``: vqinsight compare-systems
* ``watch``: vqinsight watch
* ``serve``: vqinsight serve
* ``web``: vqinsight web
* ``evaluate``: vqinsight evaluate
* ``align``: vqinsight pairs, align and repair
* ``generate``: vqinsight generate
* ``data``: vqinsight data check
* ``models``: vqinsight models
* ``baselines``: vqinsight baselines
* ``configs``: vqinsight configs
* ``lmms``: vqinsight lmms-eval-path
* ``tables``: vqinsight tables
* ``vbench``: vqinsight vbench
* ``doctor``: vqinsight doctor
* ``bench``: vqinsight bench
"""

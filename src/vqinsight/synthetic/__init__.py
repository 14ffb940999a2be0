"""The synthetic set: moving shapes over textured scenes, defects of known strength, and the exact quality of each clip.

It is the only data that the embedded models need. In reading order:

* ``clips``: synthetic clips by name
* ``generate``: a clip with its exact quality from a seed
* ``varied``: clips with several defects, and quality as perceived
* ``perception``: how much people mind a defect
* ``captions``: the content of a clip, and its caption
* ``questions``: yes/no questions about a clip
* ``scene``: renders shapes over a background
* ``textures``: procedural backgrounds
* ``cameras``: processing of backgrounds by cameras
* ``camera_motion``: camera motion, moving objects and cuts
* ``photos``: photographs as backgrounds
* ``defects_spatial``: defects within a frame
* ``defects_temporal``: defects across frames
* ``defects_generated``: further defects, of generated video
* ``describe``: descriptions of clips, and their parser
* ``oracle``: quality of simple clips, measured from pixels
* ``oracle_shapes``: detection of shapes
* ``oracle_traces``: severity of defects
* ``simple``: simple clips for the embedded generator
* ``foreign_prompts``: prompts about other content
"""

"""What is wrong with a camera, told from its pictures: black, over-exposed, frozen, covered, out of focus, turned away.

Findings of a fault, never of a violation. Pure, and cheap enough for every key frame.
"""

"""A page for people, from the document behind every format: one file, or a folder of a site.

``contents`` says what stands where, ``panels`` what is told of a plugin, ``drawn`` what the
pictures are made of; ``render`` makes HTML of it, ``site`` a folder with an address each.
"""

__all__ = ["contents", "render", "site"]

"""EnigmaLang: one program, `private` once per secret."""

__version__ = "0.1.0"

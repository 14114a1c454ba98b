"""The commands of `hubbub`: arguments, options and help texts. The modules of `hubbub.cli` do the work."""

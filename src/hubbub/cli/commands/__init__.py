"""The commands of `hubbub`: arguments, options and help texts."""

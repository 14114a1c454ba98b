"""The measurements of `hubbub bench`: a module for each kind of benchmark."""

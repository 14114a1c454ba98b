"""What is measured of the engine by `hubbub bench`: a module for each kind of benchmark."""

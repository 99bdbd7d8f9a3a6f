"""The stage exports: what other programs read in stores of their own, each partition as the warehouse has it. Nothing is made of what is exported."""

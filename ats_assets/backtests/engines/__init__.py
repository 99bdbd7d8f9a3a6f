"""The engines that trade targets over history, one module each."""

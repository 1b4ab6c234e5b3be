"""CamDigiKey's composition root: the command line, the whole server, the demo."""

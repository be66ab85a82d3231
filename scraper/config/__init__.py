"""The crawl as its author writes it down: YAML or keyword arguments in, one frozen and complete `Config` out.

`schema` holds every key, default, unit and bound; `load` is the only room of the project that reads YAML. Nothing here
opens a connection, imports a spider or starts a crawl.
"""

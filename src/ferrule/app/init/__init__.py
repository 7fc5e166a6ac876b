"""Look at a folder and write its first targets.yaml: readers give findings, `document` makes a description of them."""

"""What ``python tools/rebuild_data.py`` makes ``data/`` from, one subject a module.

- ``archives``: the pinned packages of the originals, downloaded and verified;
- ``tables``: tables of decimal text, and how a cell is rounded;
- ``spec``: what is said of a data set;
- ``one_over_n``, ``industries``, ``asset_classes``, ``factors``, ``stocks``, ``stock_panels``,
  ``funds``, ``indices_and_yields`` and ``dollar``: the data sets, one module for each family;
- ``files``: the bytes of ``data/``, written and compared;
- ``descriptor``: ``datapackage.json`` and ``README.md``.

To add a data set, write its function and its ``DataSet`` in the module of its family, or in a new
one that ``rebuild_data.py`` lists.
"""

"""Everything that ``python tools/rebuild_data.py`` does, one subject a module.

From the archives to the bytes in ``data/``:

- ``archives``: the pinned packages of the originals, downloaded and verified;
- ``tables``: tables of decimal text, and how a cell is rounded;
- ``spec``: what is said of a data set;
- ``one_over_n``, ``industries``, ``asset_classes``, ``factors``, ``stocks``, ``funds`` and
  ``indices_and_yields``: the data sets, a module a family;
- ``files``: the bytes of ``data/``, written and compared;
- ``descriptor`` and ``readme``: ``datapackage.json`` and ``README.md``;
- ``rebuild``: all of it in order.

To add a data set, write its function and its ``DataSet`` in the module of its family, or in a new
one that ``rebuild`` lists.
"""

"""The engine: supervisor, driver, workers, recorder. Started by name, imported by nobody.

.. code-block:: text

    supervisor   starts the others, watches them, writes run.json
    ├─ guardian  outlives the supervisor and ends what it left
    ├─ recorder  drains the rings and writes every table
    ├─ driver    dispatches the open loads
    └─ worker    one for each pipeline: its stages
"""

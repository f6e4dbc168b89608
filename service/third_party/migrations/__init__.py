"""The steps from one schema to the next, as Alembic reads them.

==============  =====================================================================================
first_schema    every table, constraint and trigger; written by ``python -m tests.first_schema_writer``
==============  =====================================================================================

A step is never changed once it was released; until the first release there is one, written again from
`schema` and `invariants` whenever they change.
"""

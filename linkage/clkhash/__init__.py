"""Linkage schemas of clkhash (versions 1, 2 and 3) and the CLKs that they define, bit for bit as clkhash 0.18.3 gives them.

A CLK is the project's broken `reference` profile: a plain Bloom filter, re-identified without its key by whoever has a
similar file. These modules serve comparison and migration; a production agreement refuses such filters.

Map, in the order in which a record travels:

- ``pointed``          JSON values that know their pointer, for refusals that say where
- ``linkage_schema``   a schema file of any version to one description
- ``feature_reading``  one feature of a schema, whatever its version
- ``formats``          what a cell may be, and the word that it becomes
- ``words``            the distinct cells of a column to words, and the rules that they break
- ``coding``           cells to distinct cells and codes
- ``comparators``      a word to its tokens
- ``cutting``          distinct words of a column to numbered tokens
- ``key_derivation``   a secret to the keys of each feature
- ``token_hashes``     tokens and keys to positions in the filter
- ``bit_kernel``       compiled loops: grams, and bits of rows
- ``clks``             columns or rows to CLKs
- ``people_files``     a CSV file of people to CLKs
- ``clk_files``        CLKs as anonlink's JSON, as JSON with blocks, as a binary upload
- ``clk_links``        two sets of CLKs to one-to-one links
"""

"""Records in, links out. Pure: no network, no database, no clock; keys come as arguments.

Map, in the order in which a record travels:

- ``errors``      what can be refused, each with a stable code and a French sentence, never a value
- ``attribute``   one attribute of a sheet: its kind, weight, comparison, and how a file writes it
- ``sheet``       the linkage sheet: attributes, weights, ways of dividing, columns of each file
- ``identities``  the sheets that are shipped (`P1`)
- ``tables``      a CSV, XLSX or Parquet file as raw columns, its footer left out; refuses broken files and NIR columns
- ``columns``     columns of text, each distinct cell once, in little memory
- ``text_files``  text of unknown encoding as blocks of UTF-8
- ``csv_files``   CSV a block of rows at a time, quickly where its quotes are plain
- ``parquet_files``  Parquet as the text that a CSV would hold
- ``workbooks``   the first visible sheet of an XLSX, as the text that a CSV would hold
- ``workbook_parts``  what an XLSX is made of, judged before it is opened
- ``national_numbers``  columns of national identification numbers, known by name or content
- ``column_checks``  moved columns refused, oddities of a column said
- ``cells``       what readers of one cell share: folding, words that mean nothing, how a cell is refused
- ``names``       surnames and first names: titles, particles, two surnames in one cell
- ``dates``       dates of birth: formats, partial dates, days that mean nothing
- ``codes``       sexes, communes, countries, other codes, numbers
- ``places``      what has become of each commune since 1943; codes of countries
- ``connectors``  the shapes in which administrations write their people, as named presets of columns
- ``normalise``   one pure function per kind of field: a raw cell to its canonical string
- ``records``     a file and a sheet to normalised columns, every unusable row named
- ``weights``     bits of attributes proposed from a file's own frequencies, before anything is signed
- ``features``    canonical values to tokens; what a block value fixes is left out
- ``profiles``    named encoding parameters and what they cost
- ``statistics``  public shares of block values, known before any file is seen
- ``plan``        the pass plan of an agreement, its thresholds as exact integers
- ``sizing``      how large the blocks of a pass are expected to be
- ``exposure``    how much a pass exposes, and the degree of diffusion that it needs
- ``assumptions`` what is assumed about mistakes, to choose passes and to say what to expect of them
- ``proposal``    passes for a sheet that declares none
- ``chance``      strangers expected within a distance, their likeness counted
- ``planner``     sheet, profile and declared sizes to a plan
- ``costing``     what a plan costs: bytes, time, recall, exposure
- ``cut``         bigrams of many values at once
- ``feature_table``  features of records by distinct value, kept while one file is encoded
- ``positions``   positions of tokens in one pass, each token hashed once
- ``kept``        filters of the values that many records have, made once a pass
- ``compiled``    how inner loops are compiled and where they are kept
- ``bits``        the encoder's compiled loops
- ``encode``      tokens and a pass key to plain Bloom filters
- ``passes``      records divided into blocks, tags and secrets of the blocks
- ``diffuse``     keyed diffusion of the filters of one block
- ``stream``      passes as streams of rows, on all processors, in bounded memory
- ``holder``      the data holder's half: all of the above, one encoded pass after the other
- ``wire``        what travels: rows of a pass, delivered row ids
- ``blocks``      the third party's view of a pass: runs of rows with one tag
- ``kernel``      the compiled inner loop of the matcher
- ``match``       all pairs of rows that are similar enough
- ``solve``       one-to-one links out of candidate pairs
- ``linker``      the third party's half: two encoded passes to links
- ``rules``       the rule of a démarche over the recipient's own records

Beside the pipeline:

- ``sightings``   what a rehearsal sees beyond a run: lower links, and how alike strangers of one file are
- ``expectation`` wrong links and missed people expected without truth, with intervals
- ``threshold``   the thresholds that a rehearsal proposes for the next agreement
- ``outlook``     all that a rehearsal expects: sightings, expectation, proposal
- ``outcomes``    people of the left file under both kinds of rule, counted and expected
- ``subgroups``   links by the values of a column
- ``inspection``  the data-quality report of a file, before anything is encoded
- ``field``       one attribute of a raw table: distinct cells, and what each becomes
- ``suspicions``  values that are well formed and probably wrong, by kind
- ``alterations`` what normalisation changes, by family of rule
- ``evaluate``    a rehearsal on one machine: two files, and a truth if there is one, to precision and recall
- ``clkhash``     linkage schemas of clkhash and the CLKs that they define, for comparison and migration
- ``synthetic``   an invented French population and the files that administrations would keep of it
"""

"""The two applications built on linkage and crypto, and what both sides read.

entry           where the command begins, in reach of an interruption
french_arguments  the parser of the command line in French
cli             the command `allervers`: the parser, exit codes
stanzas         what declarations of commands are made of
office_arguments, local_arguments, operator_arguments  the commands as words and options
demarche        reads a démarche (`demarches/*.toml`) and refuses what the law or the grammar does not allow
rule_sheet      a démarche once read: frozen values
clauses         its clauses: outputs, identity, trigger, journey, messages, what is passed on
operand_reader, clause_reader  the tables of a démarche, one by one
excluded_data   names that no démarche may hold
demarche_checks  what the clauses of a démarche must say of each other
demarche_schema  the JSON Schema of a sheet, for editors
demarche_words, demarche_page  what a démarche says in French sentences, and as a page
due_dates       the days on which a démarche is due
right_codes     codes that open a right: their form, and how they are drawn
closed_table    reading of TOML tables in which unknown keys are errors
risk_terms      what a risk report must hold to, as both sides read it
guard_terms     guards of an agreement: least sizes, tolerated differences, canaries
agreement       the document that all parties sign; its digest T names it
messages        statements of the parties and of the third party, contexts of what is sealed
review          why results are held, and what a party signs to release them
counts          counts in bands, nothing under eleven
upload_appendix  row ids that a party tells the worker alone, inside its upload
payload_cover   payloads that no joiner knows again
answers         what the third party's API answers
successions     how a party changes its signing key, each signed by the one before
forms           strict reading and writing of JSON members
errors          refusals with code, sentence and HTTP status
administration  the application where the people's data is
third_party     the application where encodings meet
demonstration   both at work on invented people
demonstration_arguments  its command as words and options
journal_arguments, campaign_arguments, papers_arguments  the commands of the journal, of campaigns, of papers
papers          the papers that the law asks for
gabarits        reviewed texts of messages, in French
demarches       the démarches themselves, one TOML file each
"""

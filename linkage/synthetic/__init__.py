"""A synthetic French population and the files that two administrations would keep of it. For demos, tests, benchmarks.

frequencies  how often each value occurs, and drawing from that
morphemes    French-looking surnames and first names, put together from syllables
names        the surname and first-name tables: invented, or those of INSEE when they are at hand
places       communes of birth, countries, and the codes of another epoch
families     siblings, couples and parents, with sexes and birth dates
people       the population: the families with their names and places
slips        one mistyped or misread letter
mistakes     what happens to an identity when an administration writes it down
files        two files that share some people, the truth about them, and CSV as administrations write it
households   one département: who lives with whom, where, and the children under age
life         what its people do and what happens to them: work, income, rights, the events of a year
registers    whom each administration brings to each démarche, and what its file says of them
shapes       files in the form in which each administration writes them
world        the département whole, its files with their mistakes, and who is who

Nothing here is anybody: every name is invented unless INSEE's public tables are given. The same seed gives the same
population on every machine: PCG64, and no draw depends on the last bit of a floating-point function.
"""

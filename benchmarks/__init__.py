"""Benchmarks, the demonstration and what they share.

demo                the main job, then real external input, end to end
peer_environments   throw-away environments for the tools that benchmarks compare with
quality             linkage quality on the training sets
union_of_passes     what dividing into passes costs in quality
plain_text          the same sets by tools that see the names
rehearsal_coverage  how often the intervals of rehearsals hold
strangers           strangers expected within a distance, and counted
twins               twins that a strict floor lets through
clkhash_speed       CLKs a second, beside clkhash
public_statistics   recomputes the first-letter tables of linkage from INSEE's files
place_history       builds linkage's table of communes from INSEE's files
country_codes       builds linkage's table of countries
sheets              linkage sheets of the training sets
test_match_speed    rate of the matcher
test_solve_speed    rate of the solvers, the worst cases of the optimal one
across_passes       what one-to-one across passes would add, and what comes near it
test_whole_speed    two files to links, by stage
bit_attacks         what attacks on bits and structure find: controls, and sent profiles
privacy             attacks on worlds of invented people, by profile, with intervals and chance
privacy_measure     what each attack recovers, block by block
privacy_table       several runs of them as one table
privacy_goals       weights, patterns, reading, two runs: goals G4 to G8
spectra             eigenvalues above noise in blocks, passes and tables of any size
relatives           what relatives add to the exposure of a pass
conditions          the four conditions of blocks, each dropped
questions           A10: what a recipient with a tool of its own learns, and what guards see
further_attacks     the secret word, four rows at a time, nearly everybody known, several runs
calibration         links at other lengths, exposures, caps and floors
calibration_curve   its picture
match_data          realistic and random filters to match
peers               the matcher against anonlink, FPSim2, faiss, numpy: same files, same turns, same pairs
contestants         the process of one of them
contest             these processes, and their turns
repeats             which turns count, and the ratios they give
match_table         figures of the matcher that need no peer
machine             what is said of the machine that figures come from
encode_speed        people encoded a second, and the memory that it takes
test_normalise_speed  rate of the normaliser
"""

"""Benchmarks, the demonstration and what they share.

demo                what `make demo` shows, end to end
leak_scan           searches bytes for any of many secrets
quality             linkage quality on the training sets
public_statistics   recomputes the first-letter tables of linkage from INSEE's files
place_history       builds linkage's table of communes from INSEE's files
country_codes       builds linkage's table of countries
sheets              linkage sheets of the training sets
test_match_speed    rate of the matcher
encode_speed        people encoded a second, and the memory that it takes
test_normalise_speed  rate of the normaliser
"""

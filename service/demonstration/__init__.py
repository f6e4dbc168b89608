"""What the tool does, shown on invented people: both applications at work, each through its own doors (decision 0050).

Imported by no other package: the two applications stay strangers.

demo_commands   the command `allervers demo`
main_job        two administrations and a third party as processes: the main job
stage           these processes, and what they print
leak_scan       searches what is left for any of many secrets
report_page     the story as a page
catalogue       every démarche of the catalogue, end to end
premises        a third party and administrations in one process, on a chosen day
town_files      the files of a démarche out of the invented département
truth           whom a rule ought to give
letters         messages of a campaign about the hits, counted
score           results against the truth, today's way and their floors
measured_page   the catalogue as tables
reasons         why somebody was lost or told for nothing
"""

"""The local journal of an administration: who was in which run, who is a hit, who objected, and for how long that may be kept.

legal_clocks      the three clocks of CRPA R114-9-7, as dates
people_keys       keys of the journal: a person is a keyed token, results are sealed under a key of their own
objections        the register of objections, also as a sealed file that encoding reads without a database
sent_people       who was in the file of a run, as tokens
ledger            the database: results, traces, answers, receipts
journaling        what the steps of a run write down
results           hits on their way to the agent: without late objectors, and kept
passing_on        records passed on to the body that acts, noted
purging           what is over is destroyed, with a signed receipt
access_request    everything that is known of one person, for that person
journal_commands  `journal …`
"""

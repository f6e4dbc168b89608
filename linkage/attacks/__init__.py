"""The attacks of the literature and our own against encodings, run by whoever encodes, before anybody else could.

outcome        guesses, what came of them, intervals, union over passes
clustered      bounds of a rate when people come in blocks
scene          what a curious third party holds of one block, what else it knows, and the truth kept apart
likeness       what an attacker expects filters to look like, from token sets alone
balance        log-likelihoods of pairs turned into probabilities of a matching
propagation    what known and guessed pairs say about all others
weight         A1, how heavy a row is
frequency      A2, equal rows and the most frequent identities
spectrum       A3, bits that lean, directions that rows have in common
patterns       A4, bits that are set together, mined and named without any known pair
seedless       A5, graph matching without any known pair
spectral       A5 by eigenvectors, a second opinion
landmarks      A6, known pairs as landmarks, one shot
self_training  A6, known pairs and what follows from them, round after round
known_plaintext  A7, tokens of rows that nobody knew, read with known pairs
positions_learned  which positions each token sets in plain filters, learned from known pairs
key_leak       A8, whoever has the key
ceiling        A12, everybody else known; κ and the curve that it governs
across_runs    A9, two encodings of the same people against each other
rejoining      A9, passes of one run put together again, with joined ids and with separate ones
enumeration    A10, invented people sent through the service
crafted        A10, hill climbing with rows made for it by a tool that is not ours
unmasking      A1 again, once rows have voted for the secret word of their block
quartets       how much more four rows at a time show than two
algebra        A11, rows of the secret matrix by linear algebra

An attack is a function of a `View` and a numpy Generator; it returns `Guesses` and never sees the truth.
"""

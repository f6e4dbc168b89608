"""The papers that the law asks for, from an agreement and its démarche: nothing invented, what nobody can know here marked.

holes              what people have to fill in
case               an agreement and its démarche, in words
processing_record  record of processing of each party (GDPR 30)
notices            what people are told, by who contacts and by who lends a file
public_register    the list that CRPA L114-8 III has published, page and CSV
algorithm          the rules of the algorithm, and why one person is a hit (CRPA L311-3-1, R311-3-1-2)
dpia               skeleton of an impact assessment, in the form of the CNIL's PIA tool
"""

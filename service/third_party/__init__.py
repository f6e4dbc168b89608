"""The third party: where encodings meet, are compared and are destroyed. It holds no key of a run's parties.

Map, from what decides to what serves:

- ``lifecycle``       states, events, deadlines; pure
- ``authorisation``   role by action; pure
- ``disclosure``      links into what a recipient may learn; pure
- ``schema``          the tables and their constraints
- ``invariants``      what may never change in a row
- ``database``        SQLite or PostgreSQL behind a URL
- ``migration`` ``migrations``  the tables brought to the schema of the program
- ``store``           rows of parties, nonces, agreements
- ``run_store``       rows of runs, approvals, shares, confirmations
- ``parcels``         rows of uploads, chunks, deliveries, jobs
- ``blobs`` ``bucket``  sealed chunks as files, or in an S3 bucket
- ``storage``         where the operator wants both
- ``vault``           private keys as files
- ``log``             the audit log
- ``site``            all of these, opened for one data directory
- ``agreements``      requests about agreements
- ``runs``            requests about runs
- ``uploads``         requests about uploads and deliveries
- ``purge``           destruction and its receipts
- ``authentication``  RFC 9421 signatures of requests
- ``admission``       how a request gets in
- ``contract``        what each route takes and answers
- ``routes_agreements`` ``routes_runs`` ``routes_uploads`` ``routes_proofs``  the routes
- ``api``             all routes, and the form of refusals
- ``gate``            what every request passes through
- ``journal``         the operator's lines
- ``upkeep``          keys, deadlines and leftovers, without a request
- ``matching``        encodings opened, judged, compared
- ``worker``          the process that does it
- ``worker_process``  the same as a child of the web process
- ``hardening``       what every process does first
- ``operator_commands``  third-party, serve, enrol
- ``app``             composition root: serve, work, enrol
- ``cluster_commands``  work and schedule: the processes that compare, on several machines too
"""

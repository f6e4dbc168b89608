"""What runs where the people's data is: an administration's own tool. Never imports the third party's half.

Files and keys
    app                 composition root: home folder, environment, clocks
    keyring             own identity, pinned keys, pinned third party
    conventions         agreements: built, judged line by line, signed, kept
    run_folder          the local folder of a run: state, secrets, sealed row maps
    seat                one party's seat in a run: what every step needs to know

A run, step by step
    exchange            shares and confirmation of the run keys
    outbox              records → encodings → sealed chunks → upload
    inbox               deliveries → own records → rule → file of hits
    verify              receipts of destruction and the log's history

Commands
    terminal            sentences, progress, refusals
    sealed_file         files that only this machine reads, sealed as they are written
    chunks              rows as they come to chunks as they are sealed
    local_commands      init, identity, pin, demarche, run encode: never touch the network
    rehearsal_report    evaluate: what an agent reads of a rehearsal
    warm_command        warm: all calculations compiled at once
    check_commands      check, connectors: a file looked at before it is encoded
    plan_commands       plan: the passes of a comparison and what each costs
    clk_commands        clk: schemas and CLKs of clkhash and anonlink, never on a network
    client              the third party over HTTP, every request signed
    connection          an online office, and patience
    agreement_commands  server, agreement …
    run_commands        run …
    proof_commands      verify, and the settling of a run
"""

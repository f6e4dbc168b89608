"""What runs where the people's data is: an administration's own tool. Never imports the third party's half.

Files and keys
    app                 composition root: home folder, environment, clocks
    keyring             own identity, pinned keys, pinned third party
    conventions         agreements: built, judged line by line, signed, kept
    entitlement         who receives what, and over which comparisons
    run_folder          the local folder of a run: state, secrets, sealed row maps
    seat                one party's seat in a run: what every step needs to know

A run, step by step
    exchange            shares and confirmation of the run keys
    extra_people        people that the tool adds to a file: canaries, controls
    canaries            bait identities that a source hides in its uploads
    pending             people of a démarche of events who wait, sealed, for a run
    outbox              records → encodings → sealed chunks → upload
    packing             one pass sealed: own records, controls, canaries, payloads
    sending             chunks on their way, several at a time
    pass_folder         the folder of a pass in the outbox, how far the pass went
    controls            positive controls: invented people of both sides of a comparison
    payload             what a source tells of a hit, sealed end to end
    objectors           who objects: left out of a comparison, kept in it, or sent as objections
    inbox               deliveries → own records → rules → file of hits
    jetons              a recipient and its joiner: the table out, the hits in
    joiner              jetons and links → rule → jetons, for another recipient
    relaying            pieces that a recipient and its joiner seal to each other
    verify              receipts of destruction and the log's history

After a run
    journal             what is held, objections, clocks, purge, requests for access
    campaign            messages to people, answers, reminders, figures
    papers_commands     papers: records, notices, public register, explanations, impact assessment

Commands
    terminal            sentences, progress, refusals
    sealed_file         files that only this machine reads, sealed as they are written
    chunks              rows as they come to chunks as they are sealed
    run_words           what steps and states of a run are called in French
    whole_cases         cases of several people: none is a hit unless all are
    preview_commands    demarche preview: who a selection keeps, counted before anything is encoded
    selecting           a party's file read as its démarche says: columns, local selection, computed columns
    demarche_commands   demarche list, show, check, new: no key, no network, no people
    local_commands      init, identity, pin, run encode: never touch the network
    rehearsal_report    evaluate: what an agent reads of a rehearsal
    warm_command        warm: all calculations compiled at once
    check_commands      check, connectors: a file looked at before it is encoded
    risk_commands       risk: the attacks on one's own file before it is sent
    risk_report         risk reports, kept and judged against an agreement
    risk_words          what is read of one
    risk_page           the same as a page with figures
    plan_commands       plan: the passes of a comparison and what each costs
    clk_commands        clk: schemas and CLKs of clkhash and anonlink, never on a network
    signed_http         requests signed afresh, repeated, answers read strictly
    client              the third party over HTTP, one method a route
    own_succession      one's own signing key replaced by another
    key_commands        key: rotate, show
    connection          an online office, and patience
    agreement_commands  server, agreement …
    run_commands        run …
    joining_commands    run combine
    review_commands     run review, run release
    event_commands      event …
    proof_commands      verify, and the settling of a run
    log_file            a whole log, checked offline
"""

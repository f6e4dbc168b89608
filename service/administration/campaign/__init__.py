"""Campaigns: from the hits of a run to the messages that people get, and to what they answer.

wording            what a message may say: amounts, status, health, links; length and segments of an SMS
letterhead         what an administration writes once about itself
mentions           the mandatory mentions, long and short
templates          templates read, compiled in a sandbox, rendered
texts              reviewed French templates, rendered and checked
translations       messages in other languages, once somebody answers for them
steps              when each step of a journey is due for a person
contacts           the file of contacts: who is written to, by which channel
households        households of which one member is excluded
selected          people whom the administration selects on its own
zones              a zone drawn on a map, and who lives in it
roll               a campaign in the journal: what happened to each person, what is due
mailing            what is due, as one file a channel
letter_pages       letters as pages, ready to be printed
code_commands      `campaign codes`: codes that open a right
ami                notifications of the State's application
kit                everything that agents and partners need, as one folder
take_up            how far people got, in figures that may be shown
campaign_commands  `campaign …`
"""

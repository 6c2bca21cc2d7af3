"""Mail and what is in it: messages, mailboxes, attachments and signatures."""

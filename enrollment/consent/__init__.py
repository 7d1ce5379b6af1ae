"""What people agree to: the texts, the site's policy about them, and the record of who agreed how."""

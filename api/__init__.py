"""REST for other programs. It parses, authorises and calls the services of the apps below: no rule is its own."""

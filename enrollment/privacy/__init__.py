"""What the site tells and asks the public: the texts that staff write, and the notice that everybody may read."""

"""Who may do what, who did what, and what protects stored biometrics. It knows no people."""

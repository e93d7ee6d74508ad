"""What workers run, and how a master sends them work: RQ jobs that are only a wake-up."""

"""The fault campaign: runs are killed, starved of disk and run twice; nothing may be lost."""

"""Tables in, matplotlib Axes out: nothing in this room computes. Needs `pip install 'spinscape[study]'`."""

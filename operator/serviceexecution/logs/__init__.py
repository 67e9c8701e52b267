"""Follows the logs of main containers into the store.

What is promised: every line that the container printed, with its time, once and in order, whatever happens to
streams, API server, kubelet, store or this process; in the store within about two seconds; and a commit record
that says ``complete`` only when the kubelet's own last line is there.

What is not: more than the size limit (``truncated``), the end of a line of more than 4 MiB (``truncated``), the
rest of a log whose pod is gone (not ``complete``), and lines that the kubelet rotated away unread, since its API
gives the newest file only. That happens when this process is away while a program prints more than 10 MiB, or
when something is too slow for what a program prints. It is noticed (``gaps``, not ``complete``, and a line in the log
at that place) unless nothing of that log had been read before.
"""

"""A sweep on a cluster: one Slurm job for each block, submitted through submitit.

``mlbench sweep PLAN --on slurm --partition gpu --gres gpu:1`` submits them and follows them to
their ends. What holds of every sweep holds here: its directory, which all nodes share, is all
that who works and who looks have in common. A job runs ``python -m mlbench.sweep.block``.
Whoever follows reads the states of the points from the directory and those of the jobs from
Slurm, and can be ended and begun again: a job that waits or runs is found, never submitted
twice.

.. code-block:: text

    SWEEP_ID/slurm/
      options.json         what the jobs asked for, for when the sweep is resumed
      jobs.json            every job that the sweep had, and how it last stood
      JOB_submission.sh    what was given to sbatch
      JOB_0_log.out        what the job printed
      JOB_submitted.pkl    what submitit starts on the node; nobody else opens it
"""

from __future__ import annotations

from mlbench.sweep.slurm.executor import Slurm

__all__ = ["Slurm"]

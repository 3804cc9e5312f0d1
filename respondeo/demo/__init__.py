"""The demo: its quizzes, its people, and what they played."""

"""What the demo, the test run and the SDK tests share. Standard library only."""

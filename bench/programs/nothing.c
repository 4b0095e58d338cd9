// Ends at once: what is left is the cost of starting and ending a process.
int main(void) { return 0; }

module certferry.test/probe

go 1.15
